// Requests and responses of the routes. Fastify compiles these to validators and serializers.
export const keysQuery = {
  type: 'object',
  properties: {
    pattern: { type: 'string', minLength: 1, maxLength: 1024, default: '*' },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 100 },
    cursor: { type: 'string', pattern: '^[0-9]{1,20}$', default: '0' },
  },
};

export const clearBody = {
  type: 'object',
  required: ['pattern'],
  properties: { pattern: { type: 'string', minLength: 1, maxLength: 1024 } },
};

export const invalidateBody = {
  type: 'object',
  required: ['tags'],
  properties: { tags: { type: 'array', minItems: 1, maxItems: 100, items: { type: 'string', minLength: 1, maxLength: 256 } } },
};

export const unlinkQuery = {
  type: 'object',
  properties: { unlink: { enum: ['key', 'slice'], default: 'key' } },
};

export const searchQuery = {
  type: 'object',
  required: ['q'],
  properties: { q: { type: 'string', minLength: 2, maxLength: 100 } },
};

const row = {
  type: 'object',
  properties: {
    key: { type: 'string' },
    path: { type: 'string' },
    type: { type: 'string' },
    ttl: { type: 'integer' },
    size: { type: ['string', 'null'] },
    sizeBytes: { type: ['integer', 'null'] },
  },
};

const pagination = {
  type: 'object',
  properties: {
    total: { type: ['integer', 'null'] },
    returned: { type: 'integer' },
    nextCursor: { type: ['string', 'null'] },
    hasMore: { type: 'boolean' },
  },
};

export const keysAnswer = {
  type: 'object',
  properties: {
    success: { type: 'boolean' },
    data: { type: 'object', properties: { keys: { type: 'array', items: row }, pagination } },
    timestamp: { type: 'string' },
  },
};
